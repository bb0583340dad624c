# mkDerivation: turn a package description into a derivation.
#
# It takes a set, or a function of the final set (`finalAttrs: { ... }`), in
# which `finalAttrs.finalPackage` is the package with all overrides applied.
{
  lib,
  config,
  system,
  stdenv,
}:

let
  checkMeta = import ./check-meta.nix { inherit lib config system; };

  mkDerivationFrom =
    rattrs:
    let
      attrs = rattrs (attrs // { inherit finalPackage; });
      finalPackage = mkPackage rattrs attrs;
    in
    finalPackage;

  mkPackage =
    rattrs: attrs:
    let
      name = attrs.name or "${attrs.pname}-${attrs.version}";
      outputs = attrs.outputs or [ "out" ];
      structured = attrs.__structuredAttrs or false;

      meta = checkMeta.completeMeta { inherit attrs name outputs; };

      # Dependencies are linked against, hence `dev` unless an output was named.
      devOutputs = lib.mapAttrs (_: map lib.getDev) (
        lib.intersectAttrs {
          nativeBuildInputs = null;
          buildInputs = null;
          propagatedBuildInputs = null;
        } attrs
      );

      builder =
        if structured then
          [
            "-e"
            ./structured-builder.sh
          ]
          ++ map placeholder outputs
        else
          [
            "-e"
            ./default-builder.sh
          ];

      drv = derivation (
        removeAttrs attrs [
          "meta"
          "passthru"
        ]
        // devOutputs
        // {
          inherit
            name
            system
            outputs
            stdenv
            ;
          builder = attrs.builder or "/bin/sh";
          args = attrs.args or builder;
        }
      );

      passthru = {
        inherit meta;
        overrideAttrs =
          change:
          mkDerivationFrom (
            final:
            let
              prev = rattrs final;
            in
            prev // (if lib.isFunction change then change prev else change)
          );
      }
      // lib.optionalAttrs (attrs ? pname) { inherit (attrs) pname; }
      // lib.optionalAttrs (attrs ? version) { inherit (attrs) version; }
      // attrs.passthru or { };

      # Every output gets meta and passthru, as well as the other outputs.
      outputsOf = lib.genAttrs outputs (
        output:
        commonAttrs
        // {
          inherit (drv.${output}) outPath drvPath type;
          outputName = output;
          outputSpecified = true;
        }
      );
      commonAttrs = drv // { inherit passthru; } // passthru // { inherit name; } // outputsOf // {
        all = map (output: outputsOf.${output}) outputs;
      };
    in
    # Refuse before anything looks at the derivation.
    commonAttrs
    // {
      drvPath = checkMeta.assertValid { inherit meta name; } drv.drvPath;
      outPath = checkMeta.assertValid { inherit meta name; } drv.outPath;
    };
in
fnOrAttrs:
mkDerivationFrom (if lib.isFunction fnOrAttrs then fnOrAttrs else (_: fnOrAttrs))
