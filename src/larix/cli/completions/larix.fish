# Completion of larix for fish: put this into a directory of fish_complete_path as `larix.fish'. Every word is
# larix's own answer; only names of files are fish's.
function __larix_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l answer ($words[1] completion --answer=fish -- $words "$current" 2>/dev/null)
    set -l begun (string match -r '^.*=' -- $current)
    set -l rest (string replace -r '^.*=' '' -- $current)
    switch "$answer[1]"
        case files
            for path in (__fish_complete_path $rest)
                echo "$begun$path"
            end
        case folders
            for path in (__fish_complete_directories $rest)
                echo "$begun$path"
            end
        case words
            printf '%s\n' $answer[2..]
    end
end
complete -c larix -f -a '(__larix_complete)'
