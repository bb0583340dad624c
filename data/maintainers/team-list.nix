{ lib }:

with lib.maintainers;
{
  python = {
    shortName = "Python";
    scope = "Maintain the Python interpreters and core Python packages.";
    github = "example-python-team";
    githubId = 910000001;
    members = [
      bela
      chen
    ];
  };
  rust = {
    shortName = "Rust";
    scope = "Maintain the Rust compiler toolchain.";
    github = "example-rust-team";
    githubId = 910000002;
    members = [ dita ];
  };
  qt = {
    shortName = "Qt";
    scope = "Maintain Qt and what is built with it.";
    members = [ emre ];
  };
}
