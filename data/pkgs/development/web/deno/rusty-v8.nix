{
  lib,
  rustPlatform,
  fetchFromGitHub,
  llvmPackages,
  ninja,
  python3,
}:

rustPlatform.buildRustPackage rec {
  pname = "rusty-v8";
  version = "0.106.0";

  src = fetchFromGitHub {
    owner = "denoland";
    repo = "rusty_v8";
    tag = "v${version}";
    hash = "sha256-kNmAeTv5EC8kVStsRir5XuDvK56IJR/VWJN4DkugpPo=";
  };

  cargoHash = "sha256-vcYwOjXtoCb5tlry9gvUP3TtoefUDn511ZIeYWjKqws=";

  nativeBuildInputs = [
    llvmPackages.clang.out
    llvmPackages.lld.out
    ninja
    python3
  ];

  requiredSystemFeatures = [ "big-parallel" ];

  meta = {
    description = "Rust bindings for the V8 JavaScript engine";
    license = lib.licenses.mit;
    teams = [ lib.teams.rust ];
  };
}
