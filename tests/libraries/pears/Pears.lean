import Pears.Basic
import Pears.Broken
