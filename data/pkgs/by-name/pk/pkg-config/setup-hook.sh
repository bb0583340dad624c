# Would fill PKG_CONFIG_PATH.
