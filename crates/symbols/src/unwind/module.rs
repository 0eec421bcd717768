//! One module's unwind tables.

use farsight_types::Rva;

use crate::image::Image;

/// The call frame information of one module, wherever it lies: `.eh_frame` of the image, `.debug_frame` of the image or
/// of its debug file.
#[derive(Debug)]
pub struct ModuleUnwind {
    link_base: Rva,
}

impl ModuleUnwind {
    /// Takes the tables of several images of one module: the image as loaded and its separate debug file. Cheap:
    /// tables are indexed when first asked.
    pub fn new(images: &[&dyn Image]) -> ModuleUnwind {
        let link_base = images.first().map_or(Rva(0), |image| image.layout().link_base);
        ModuleUnwind { link_base }
    }

    /// Whether there are any tables at all.
    pub fn is_empty(&self) -> bool {
        true
    }

    /// The image's [`link_base`](crate::ImageLayout::link_base).
    pub fn link_base(&self) -> Rva {
        self.link_base
    }
}
