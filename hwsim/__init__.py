"""hwsim: what a datapath computes, how long it takes, what energy it draws and how big it is."""
