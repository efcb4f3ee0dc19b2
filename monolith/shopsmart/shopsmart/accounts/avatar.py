"""What makes an upload a picture: limits, and the small square kept instead of the original.

The original is never stored. Drawing it anew drops the metadata (phones write the place into it)
and anything else that hides in a file that is a valid image and something more.
"""

import io

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from PIL import Image, ImageOps, UnidentifiedImageError

MAX_UPLOAD_BYTES = 5 * 1024 * 1024  # a phone's photo; the storefront says so beside the field
MAX_PIXELS = (
    25_000_000  # to unpack: 100 MB for a moment. A JPEG is unpacked at an eighth of its size
)
FORMATS = ("JPEG", "PNG", "WEBP")
EDGE_PX = 256
TOO_MANY_PIXELS = "The picture has too many pixels. Choose a smaller one."


def render_avatar(upload: UploadedFile) -> bytes:
    """Give the picture as a WebP square of 256 pixels.

    Raises ValidationError for a file that is too large, no picture, or of another format.
    """
    if (upload.size or 0) > MAX_UPLOAD_BYTES:
        raise ValidationError("The picture is larger than 5 MB. Choose a smaller one.")
    upload.seek(0)
    try:
        with Image.open(upload, formats=FORMATS) as picture:
            picture.draft("RGB", (EDGE_PX * 2, EDGE_PX * 2))
            # The size is in the header: an image bomb is refused before it is unpacked.
            if picture.width * picture.height > MAX_PIXELS:
                raise ValidationError(TOO_MANY_PIXELS)
            upright = ImageOps.exif_transpose(picture).convert("RGBA")
            square = ImageOps.fit(upright, (EDGE_PX, EDGE_PX))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValidationError(TOO_MANY_PIXELS) from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise ValidationError("This is no JPEG, PNG or WebP picture we can read.") from error
    out = io.BytesIO()
    square.save(out, "WEBP", quality=85)
    return out.getvalue()
