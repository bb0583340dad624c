# The Python set; evaluated once for each interpreter.
self:

{
  buildPythonPackage = self.callPackage ../development/interpreters/python/build-python-package.nix { };
  fetchPypi = self.callPackage ../development/interpreters/python/fetch-pypi.nix { };
  pypaBuildHook = self.callPackage ../development/interpreters/python/hooks/pypa-build-hook.nix { };

  cffi = self.callPackage ../development/python-modules/cffi { };

  cryptography = self.callPackage ../development/python-modules/cryptography { };

  cython = self.callPackage ../development/python-modules/cython { };

  distutils-extra = self.callPackage ../development/python-modules/distutils-extra { };

  numpy = self.callPackage ../development/python-modules/numpy { };

  pandas = self.callPackage ../development/python-modules/pandas { };

  pytest = self.callPackage ../development/python-modules/pytest { };

  requests = self.callPackage ../development/python-modules/requests { };

  scipy = self.callPackage ../development/python-modules/scipy { };

  setuptools = self.callPackage ../development/python-modules/setuptools { };

  six = self.callPackage ../development/python-modules/six { };

  torch = self.callPackage ../development/python-modules/torch { };

  torchvision = self.callPackage ../development/python-modules/torchvision { };

  urllib3 = self.callPackage ../development/python-modules/urllib3 { };
}
