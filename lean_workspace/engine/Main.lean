import Alchemy.Serving.Serve

def main (args : List String) : IO Unit := Alchemy.serve args
