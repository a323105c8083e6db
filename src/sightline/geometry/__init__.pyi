from .camera import Camera as Camera
from .homogeneous import from_homogeneous as from_homogeneous
from .homogeneous import to_homogeneous as to_homogeneous
from .project import project as project
from .rodrigues import rodrigues as rodrigues
from .undistort import distort_points as distort_points
from .undistort import undistort as undistort
from .undistort import undistort_points as undistort_points
