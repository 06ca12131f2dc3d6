# The synthetic graph of rows A, as real Nix evaluates it; `graph.py` is its twin, and both must name the same
# derivations. `sources` is a folder of 50 files called 0 to 49.
{ n, sources, shell }:

let
  count = builtins.fromJSON n;
  modulo = a: b: a - (a / b) * b;
  dependency = i: k:
    modulo ((builtins.bitAnd (i * 1103515245 + 12345 + k * 7919 * 65536) 2147483647) / 65536) i;
  source = j: builtins.path { path = sources + "/${toString j}"; name = "source-${toString j}"; };
  texts = builtins.genList source 50;
  nodes = builtins.genList node count;

  node = i:
    let
      wanted = if i == 0 then [ ] else builtins.genList (dependency i) (2 + modulo i 2);
      dependencies = builtins.foldl' (seen: d: if builtins.elem d seen then seen else seen ++ [ d ]) [ ] wanted;
      variables = builtins.genList
        (v: {
          name = "variable${toString v}";
          value = "some text of about fifty characters, ${toString i} and ${toString v}";
        }) 24;
    in
    derivation (builtins.listToAttrs variables // {
      name = "node-${toString i}";
      system = "x86_64-linux";
      builder = shell;
      args = [ "-e" (builtins.elemAt texts (modulo i 50)) ];
      inputs = map (d: builtins.elemAt nodes d) dependencies;
      src = builtins.elemAt texts (modulo i 50);
    });
in
nodes
