from pathlib import Path

import pytest
from pytest_django import Settings


@pytest.fixture
def media(settings: Settings, tmp_path: Path) -> Path:
    """Uploaded files go to a folder of this one test."""
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path
