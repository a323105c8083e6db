from .eigenfaces import Eigenfaces as Eigenfaces
from .fisherfaces import Fisherfaces as Fisherfaces
from .haar_cascade import HaarCascade as HaarCascade
from .lbph import LBPHRecognizer as LBPHRecognizer
from .recognizer import Recognition as Recognition
