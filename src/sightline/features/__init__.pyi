from .keypoints import Features as Features
