"""Training of the Sourdine denoiser."""
