"""A throwaway lab on one machine: engine, image mirror, images and lab servers."""
