# Qt is released as a whole: one version, one archive per module.
{ fetchurl }:

let
  version = "6.8.0";
  module = name: hash: {
    inherit version;
    src = fetchurl {
      url = "mirror://qt/official_releases/qt/${version}/submodules/${name}-everywhere-src-${version}.tar.xz";
      inherit hash;
    };
  };
in
{
  qtbase = module "qtbase" "sha256-8fDvrEfYtx51sU0DVwg2a7ACZlsUw7RfZpMSxk5TdDw=";
  qtdeclarative = module "qtdeclarative" "sha256-ER1HuDnfOZ+qPAhrAY+T+ouEJWnE2wMauCuPjh8kWo8=";
  qtsvg = module "qtsvg" "sha256-+/M4B3qMlR5yI9vLTckafNQHuRMyqCHhwRyXukt3Www=";
  qtwebengine = module "qtwebengine" "sha256-dRN/h3evRF1oqC3VRTDbd5FwnmvZ0befXwOuxD4Rgyg=";
}
