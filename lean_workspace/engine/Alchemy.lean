import Alchemy.Serve
