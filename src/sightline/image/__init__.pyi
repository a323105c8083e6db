from . import draw as draw
from .convert import convert as convert
from .gaussian_blur import gaussian_blur as gaussian_blur
from .read import read as read
from .show import show as show
from .write import write as write
