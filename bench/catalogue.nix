# A catalogue of so many packages as `catalogue.py` writes, for Nix to list and to evaluate.
{ n, shell ? "/bin/sh" }:
let
  count = builtins.fromJSON n;
  name = i: "package${toString i}";
  make = i: derivation {
    name = "${name i}-${toString (i - i / 10 * 10)}.${toString (i - i / 7 * 7)}";
    system = "x86_64-linux";
    builder = shell;
    inputs = builtins.genList (k: all.${name ((i * 7919 + k * 104729) - (i * 7919 + k * 104729) / i * i)}) (if i == 0 then 0 else 2);
  } // { meta.description = "Package number ${toString i}"; };
  all = builtins.listToAttrs (builtins.genList (i: { name = name i; value = make i; }) count);
in
all
