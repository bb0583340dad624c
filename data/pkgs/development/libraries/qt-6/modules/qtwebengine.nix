{
  qtModule,
  ffmpeg,
  nodejs,
  python3,
  qtdeclarative,
}:

qtModule {
  pname = "qtwebengine";
  nativeBuildInputs = [
    nodejs
    python3
  ];
  buildInputs = [ ffmpeg ];
  propagatedBuildInputs = [ qtdeclarative ];
  requiredSystemFeatures = [ "big-parallel" ];
  meta.description = "Web engine based on the Chromium web browser";
}
