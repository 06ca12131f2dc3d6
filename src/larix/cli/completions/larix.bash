# Completion of larix for bash: source this, or put it where bash-completion looks for it. Every word is larix's
# own answer; only names of files are bash's.
_larix() {
    local IFS=$'\n' answer
    COMPREPLY=()
    # With a word broken at `=' or `:', bash wants what is behind the break; at `@', with it.
    answer=($("$1" completion --answer=bash -- "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null))
    case ${answer[0]-} in
    files) compopt -o default -o bashdefault -o filenames ;;
    folders)
        compopt -o filenames
        COMPREPLY=($(compgen -d -- "$2"))
        ;;
    words)
        COMPREPLY=("${answer[@]:1}")
        if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then compopt -o nospace; fi
        ;;
    esac
}
complete -F _larix larix
