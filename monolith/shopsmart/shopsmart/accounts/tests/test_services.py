import io
import zlib
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.db import IntegrityError, connection, transaction
from PIL import Image

from shopsmart.accounts import avatar, services
from shopsmart.accounts.models import User

pytestmark = pytest.mark.django_db

PASSWORD = "plum-Jam-on-4-toast"


def register(**changes: str) -> User:
    asked = {"username": "ada", "email": "ada@example.org", "password": PASSWORD}
    return services.register_user(**{**asked, **changes})


def picture(
    size: tuple[int, int] = (40, 30), form: str = "PNG", mode: str = "RGB"
) -> SimpleUploadedFile:
    out = io.BytesIO()
    Image.new(mode, size).save(out, form)
    return SimpleUploadedFile(f"me.{form.lower()}", out.getvalue())


def test_register_stores_a_user_who_can_log_in() -> None:
    user = register(email="Ada@Example.ORG", display_name="  Ada L. ")
    user.refresh_from_db()
    assert (user.username, user.email, user.display_name) == ("ada", "ada@example.org", "Ada L.")
    assert user.check_password(PASSWORD)
    assert not user.is_staff
    assert not user.is_superuser


def test_register_shows_the_user_name_where_no_other_is_given() -> None:
    assert register().display_name == "ada"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"username": ""}, "username"),
        ({"username": "ada@example.org"}, "username"),
        ({"username": "a b"}, "username"),
        ({"username": "ada\n"}, "username"),
        ({"username": "x" * 41}, "username"),
        ({"email": ""}, "email"),
        ({"email": "nobody"}, "email"),
        ({"display_name": "x" * 61}, "display_name"),
        ({"password": "short"}, "password"),
        ({"password": "12345678901"}, "password"),
        ({"password": "ada@example.org"}, "password"),
    ],
)
def test_register_refuses_by_field_and_stores_nothing(changes: dict[str, str], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        register(**changes)
    assert field in caught.value.message_dict
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": "other@example.org"}, "username"),
        ({"username": "other"}, "email"),
        ({"username": "other", "email": "ADA@EXAMPLE.org"}, "email"),
    ],
)
def test_register_refuses_what_is_taken(changes: dict[str, str], field: str) -> None:
    register()
    with pytest.raises(ValidationError) as caught:
        register(**changes)
    assert list(caught.value.message_dict) == [field]
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    "changes", [{"username": "a@b"}, {"email": "Ada@example.org"}, {"display_name": ""}]
)
def test_the_database_refuses_what_no_form_checked(changes: dict[str, str]) -> None:
    user = User(username="ada", email="ada@example.org", display_name="Ada")
    for name, value in changes.items():
        setattr(user, name, value)
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.bulk_create([user])


def test_superusers_get_a_display_name() -> None:
    assert User.objects.create_superuser("root", "Root@example.org", "x").display_name == "root"


def test_update_profile_keeps_addresses_unique() -> None:
    register()
    other = register(username="ben", email="ben@example.org")
    with pytest.raises(ValidationError) as caught:
        services.update_profile(user=other, display_name="Ben", email="ADA@example.org")
    assert "email" in caught.value.message_dict
    other.refresh_from_db()
    assert other.email == "ben@example.org"


def test_a_name_taken_between_the_check_and_the_save_is_refused_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What PostgreSQL does to the second of two; SQLite lets no transaction in between."""
    register()
    ben = register(username="ben", email="ben@example.org")
    monkeypatch.setattr(User, "validate_unique", lambda *args, **kwargs: None)
    with pytest.raises(ValidationError, match="a moment ago"):
        register(username="other")
    with pytest.raises(ValidationError, match="a moment ago"):
        services.update_profile(user=ben, display_name="Ben", email="ada@example.org")
    assert User.objects.count() == 2


def test_an_old_account_with_a_name_no_longer_allowed_can_still_be_edited() -> None:
    user = register()
    User.objects.update(username="ada lovelace")
    user.refresh_from_db()
    services.update_profile(user=user, display_name="Ada", email="ada@example.org")
    assert User.objects.get().display_name == "Ada"


def test_update_profile_touches_name_and_address_only() -> None:
    user = register()
    stale = User.objects.get(pk=user.pk)
    User.objects.update(first_name="kept")
    services.update_profile(user=stale, display_name=" Ada ", email="New@example.org")
    user.refresh_from_db()
    assert (user.display_name, user.email, user.first_name) == ("Ada", "new@example.org", "kept")


@pytest.mark.parametrize(
    ("form", "mode"),
    [("PNG", "RGBA"), ("PNG", "P"), ("JPEG", "L"), ("JPEG", "CMYK"), ("WEBP", "RGB")],
)
def test_avatar_becomes_a_small_square_without_metadata(form: str, mode: str, media: Path) -> None:
    user = services.change_avatar(user=register(), upload=picture((900, 300), form, mode))
    with user.avatar.open() as file, Image.open(file) as stored:
        assert (stored.format, stored.size) == ("WEBP", (256, 256))
        assert not stored.getexif()


def test_avatar_name_owes_nothing_to_the_uploaded_one(media: Path) -> None:
    upload = picture()
    upload.name = "../../etc/passwd.html"
    user = services.change_avatar(user=register(), upload=upload)
    assert user.avatar.name.startswith("avatars/")
    assert user.avatar.name.endswith(".webp")
    assert "passwd" not in user.avatar.name


@pytest.mark.django_db(transaction=True)
def test_a_new_avatar_and_removal_delete_the_old_file(media: Path) -> None:
    user = services.change_avatar(user=register(), upload=picture())
    storage, first = user.avatar.storage, user.avatar.name
    services.change_avatar(user=user, upload=picture())
    second = user.avatar.name
    assert not storage.exists(first)
    assert storage.exists(second)
    services.remove_avatar(user=user)
    assert not storage.exists(second)
    assert not User.objects.get(pk=user.pk).avatar
    services.remove_avatar(user=user)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "no JPEG"),
        (b"<script>alert(1)</script>", "no JPEG"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "no JPEG"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "no JPEG"),
    ],
)
def test_avatar_refuses_what_is_no_picture(content: bytes, word: str, media: Path) -> None:
    user = register()
    with pytest.raises(ValidationError, match=word):
        services.change_avatar(user=user, upload=SimpleUploadedFile("me.png", content))
    assert not User.objects.get(pk=user.pk).avatar


def test_avatar_refuses_other_formats_cut_files_and_too_large_ones(media: Path) -> None:
    user = register()
    whole = picture((300, 300), "PNG").read()
    cut = SimpleUploadedFile("cut.png", whole[: len(whole) // 2])
    large = SimpleUploadedFile("large.png", b"\0" * (avatar.MAX_UPLOAD_BYTES + 1))
    for upload, word in [(picture(form="GIF"), "no JPEG"), (cut, "no JPEG"), (large, "5 MB")]:
        with pytest.raises(ValidationError, match=word):
            services.change_avatar(user=user, upload=upload)


def test_avatar_takes_the_largest_photos_of_phones(media: Path) -> None:
    upload = picture((8_000, 6_000), "JPEG", "L")
    assert services.change_avatar(user=register(), upload=upload).avatar


@pytest.mark.parametrize("side_px", [5_001, 9_500, 20_000])
def test_avatar_refuses_an_image_bomb_before_unpacking_it(side_px: int, media: Path) -> None:
    bomb = picture((1, 1), "PNG").read()
    header = bytearray(bomb)
    header[16:24] = side_px.to_bytes(4, "big") * 2
    header[29:33] = zlib.crc32(bytes(header[12:29])).to_bytes(4, "big")
    upload = SimpleUploadedFile("bomb.png", bytes(header))
    with pytest.raises(ValidationError, match="too many pixels"):
        services.change_avatar(user=register(), upload=upload)


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_for_the_database_while_a_picture_is_unpacked(
    monkeypatch: pytest.MonkeyPatch, media: Path
) -> None:
    in_transaction: list[bool] = []

    def render(upload: UploadedFile) -> bytes:
        in_transaction.append(connection.in_atomic_block)
        return avatar.render_avatar(upload)

    monkeypatch.setattr(services, "render_avatar", render)
    services.change_avatar(user=register(), upload=picture())
    assert in_transaction == [False]
