# The derivations of rows B and D2: static programs only, so that nothing else is needed in the sandbox. The
# arguments are store items, as text.
{ kind, count ? "1", shell, busybox ? "", file ? "" }:

let
  item = builtins.storePath;
  build = name: script: variables: derivation ({
    inherit name;
    system = "x86_64-linux";
    builder = item shell;
    args = [ "-c" script ];
  } // variables);
in
{
  trivial = builtins.genList (i: build "trivial-${toString i}" "echo ${toString i} > $out" { })
    (builtins.fromJSON count);
  copy = build "copy" ''(exec -a busybox "$busybox" cp "$file" "$out")'' {
    busybox = item busybox;
    file = item file;
  };
}.${kind}
