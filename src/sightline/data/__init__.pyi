from .image_set import ImageSet as ImageSet
from .image_set import Split as Split
from .open_dataset import open_dataset as open_dataset
