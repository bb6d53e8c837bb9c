import Alchemy.Serving.Serve
