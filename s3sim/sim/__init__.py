"""The SimPy world: executor, driver, host link and prediction service. The only room that imports simpy."""
