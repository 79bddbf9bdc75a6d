//! Properties of drawings that need no renderer.
