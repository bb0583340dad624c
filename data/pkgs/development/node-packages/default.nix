# npm allows more in a name than Nix does in an identifier; `nix-env -qa` leaves
# such attributes out.
{ callPackage }:

{
  "socket.io" = callPackage ./socket.io.nix { };
}
