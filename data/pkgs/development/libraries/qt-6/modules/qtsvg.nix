{ qtModule, qtbase }:

qtModule {
  pname = "qtsvg";
  propagatedBuildInputs = [ qtbase ];
}
