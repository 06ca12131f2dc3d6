"""Ways of writing graphs down, one module each; `drawing` tells what a module offers."""
