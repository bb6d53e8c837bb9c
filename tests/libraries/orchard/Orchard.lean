module

public import Orchard.Basic
public import Orchard.Order
public import Orchard.Sum
