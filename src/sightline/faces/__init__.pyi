from .eigenfaces import Eigenfaces as Eigenfaces
from .fisherfaces import Fisherfaces as Fisherfaces
from .gallery import FaceGallery as FaceGallery
from .gallery import NamedFaces as NamedFaces
from .haar_cascade import HaarCascade as HaarCascade
from .hog_face import HogFace as HogFace
from .lbph import LBPHRecognizer as LBPHRecognizer
from .recognizer import Recognition as Recognition
