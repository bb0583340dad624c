{ makeTest }: makeTest { name = "simple-vm"; }
