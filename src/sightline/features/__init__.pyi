from .keypoints import Features as Features
from .hog import hog as hog
from .hog import hog_blocks as hog_blocks
from .hog import hog_picture as hog_picture
