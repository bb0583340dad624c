{
  qtModule,
  python3,
  qtbase,
  qtsvg,
}:

qtModule {
  pname = "qtdeclarative";
  nativeBuildInputs = [ python3 ];
  propagatedBuildInputs = [
    qtbase
    qtsvg
  ];
}
