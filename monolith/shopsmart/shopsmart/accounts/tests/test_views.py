"""The account pages as a browser without JavaScript meets them."""

import io
from pathlib import Path

import pytest
from django.contrib.auth import get_user
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from PIL import Image

from shopsmart.accounts import services
from shopsmart.accounts.models import User

pytestmark = pytest.mark.django_db

PASSWORD = "plum-Jam-on-4-toast"
HOSTILE_NEXT = [
    "https://evil.example/",
    "//evil.example/",
    r"\\evil.example",
    "/\\evil.example",
    "http:///evil.example",
    "javascript:alert(1)",
    "https:evil.example",
    "\x08//evil.example",
]


@pytest.fixture
def ada() -> User:
    return services.register_user(username="ada", email="ada@example.org", password=PASSWORD)


@pytest.fixture
def as_ada(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


def said(response: HttpResponse) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def is_logged_in(client: Client) -> bool:
    return get_user(client).is_authenticated


def answers(**changes: str) -> dict[str, str]:
    form = {
        "username": "ben",
        "email": "Ben@example.org",
        "display_name": "",
        "password": PASSWORD,
        "password_again": PASSWORD,
    }
    return {**form, **changes}


# Log in and out -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ada", "ada@example.org", "ADA@Example.org", " ada "])
def test_login_takes_name_or_address(client: Client, ada: User, name: str) -> None:
    response = client.post(reverse("accounts:login"), {"username": name, "password": PASSWORD})
    assert (response.status_code, response["Location"]) == (302, "/")
    assert get_user(client) == ada
    assert said(response) == ["Welcome back, ada."]


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ada", "wrong"),
        ("ada@example.org", "wrong"),
        ("nobody", PASSWORD),
        ("nobody@example.org", PASSWORD),
        ("x" * 10_000, PASSWORD),
        ("a\x00b", PASSWORD),
        ("", ""),
    ],
)
def test_login_refuses_and_keeps_the_name_but_not_the_password(
    client: Client, ada: User, name: str, password: str
) -> None:
    response = client.post(reverse("accounts:login"), {"username": name, "password": password})
    assert response.status_code == 200
    assert not is_logged_in(client)
    assert PASSWORD not in response.content.decode()
    assert response.context["form"].errors


def test_a_closed_account_cannot_log_in(client: Client, ada: User) -> None:
    User.objects.update(is_active=False)
    client.post(reverse("accounts:login"), {"username": "ada", "password": PASSWORD})
    assert not is_logged_in(client)


@pytest.mark.parametrize("page", ["login", "register"])
def test_next_leads_to_this_shop_only(client: Client, ada: User, page: str) -> None:
    form = {"username": "ada", "password": PASSWORD} if page == "login" else answers()
    for address in HOSTILE_NEXT:
        response = Client().post(reverse(f"accounts:{page}"), {**form, "next": address})
        assert response["Location"] == "/", address
        User.objects.filter(username="ben").delete()
    response = client.post(reverse(f"accounts:{page}"), {**form, "next": "/search/?q=tea"})
    assert response["Location"] == "/search/?q=tea"


@pytest.mark.parametrize("page", ["login", "register"])
def test_next_survives_the_page_and_its_errors_unless_hostile(client: Client, page: str) -> None:
    url = reverse(f"accounts:{page}")
    assert 'name="next" value="/search/"' in client.get(url, {"next": "/search/"}).content.decode()
    again = client.post(url, {"next": "/search/"}).content.decode()
    assert 'name="next" value="/search/"' in again
    for address in HOSTILE_NEXT:
        assert "evil" not in client.get(url, {"next": address}).content.decode()


@pytest.mark.parametrize("page", ["login", "register"])
def test_who_is_logged_in_is_led_on(as_ada: Client, page: str) -> None:
    response = as_ada.get(reverse(f"accounts:{page}"), {"next": "/search/"})
    assert (response.status_code, response["Location"]) == (302, "/search/")


def test_logout_is_a_post(as_ada: Client) -> None:
    assert as_ada.get(reverse("accounts:logout")).status_code == 405
    assert is_logged_in(as_ada)
    response = as_ada.post(reverse("accounts:logout"))
    assert response["Location"] == "/"
    assert not is_logged_in(as_ada)
    assert as_ada.post(reverse("accounts:logout")).status_code == 302


def test_posts_without_a_token_are_refused(ada: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    for page in ("login", "register", "logout", "avatar", "account", "password"):
        assert strict.post(reverse(f"accounts:{page}")).status_code == 403, page


# Register -----------------------------------------------------------------------------------


def test_register_makes_an_account_and_logs_in(client: Client) -> None:
    response = client.post(reverse("accounts:register"), answers(display_name="Benny"))
    assert (response.status_code, response["Location"]) == (302, "/")
    user = get_user(client)
    assert (user.username, user.email, user.display_name) == ("ben", "ben@example.org", "Benny")
    assert said(response) == ["Welcome to ShopSmart, Benny."]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"username": "ada"}, "username"),
        ({"username": "a@b"}, "username"),
        ({"username": "a\x00b"}, "username"),
        ({"email": "ADA@example.org"}, "email"),
        ({"email": "nobody"}, "email"),
        ({"display_name": "x" * 61}, "display_name"),
        ({"password": "12345", "password_again": "12345"}, "password"),
        ({"password_again": "another"}, "password_again"),
        ({"password_again": ""}, "password_again"),
    ],
)
def test_register_ties_each_error_to_its_field(
    client: Client, ada: User, changes: dict[str, str], field: str
) -> None:
    response = client.post(reverse("accounts:register"), answers(**changes))
    html = response.content.decode()
    assert response.status_code == 200
    assert list(response.context["form"].errors) == [field]
    assert f'id="id_{field}_error"' in html
    tag = html[html.index(f'name="{field}"') :].partition(">")[0]
    assert f"id_{field}_error" in tag.partition('aria-describedby="')[2].partition('"')[0]
    assert 'aria-invalid="true"' in tag
    assert "<title>Error:" in html
    assert User.objects.count() == 1
    assert not is_logged_in(client)


# Account ------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["account", "avatar", "remove-avatar", "password"])
def test_strangers_are_sent_to_the_login_and_back(client: Client, page: str) -> None:
    url = reverse(f"accounts:{page}")
    for response in (client.get(url), client.post(url)):
        assert response.status_code == 302
        assert response["Location"] == f"{reverse('accounts:login')}?next={url}"


def test_account_shows_and_saves_the_profile(as_ada: Client, ada: User) -> None:
    url = reverse("accounts:account")
    page = as_ada.get(url)
    assert "ada@example.org" in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    response = as_ada.post(url, {"display_name": "Countess", "email": "Countess@example.org"})
    assert (response.status_code, response["Location"]) == (302, url)
    ada.refresh_from_db()
    assert (ada.display_name, ada.email) == ("Countess", "countess@example.org")


def test_a_refused_profile_changes_neither_account_nor_greeting(as_ada: Client, ada: User) -> None:
    User.objects.create_user("ben", "ben@example.org", PASSWORD)
    response = as_ada.post(
        reverse("accounts:account"), {"display_name": "Mallory", "email": "BEN@example.org"}
    )
    assert response.status_code == 200
    assert "already" in str(response.context["profile_form"].errors["email"])
    assert "<span>ada</span>" in response.content.decode()
    ada.refresh_from_db()
    assert ada.display_name == "ada"


def test_nobody_gets_rights_by_adding_fields(as_ada: Client, ada: User) -> None:
    as_ada.post(
        reverse("accounts:account"),
        {"display_name": "A", "email": "a@example.org", "is_staff": "on", "username": "root"},
    )
    ada.refresh_from_db()
    assert (ada.is_staff, ada.username) == (False, "ada")


def test_avatar_upload_is_shown_and_removed(as_ada: Client, media: Path) -> None:
    out = io.BytesIO()
    Image.new("RGB", (400, 300), "purple").save(out, "JPEG")
    out.seek(0)
    out.name = "me.jpg"
    response = as_ada.post(reverse("accounts:avatar"), {"picture": out})
    assert response.status_code == 302
    url = get_user(as_ada).avatar.url
    assert url in as_ada.get(reverse("accounts:account")).content.decode()
    assert (media / url.removeprefix("/media/")).exists()
    as_ada.post(reverse("accounts:remove-avatar"))
    assert not get_user(as_ada).avatar


@pytest.mark.parametrize("content", [b"", b"<svg onload=alert(1)>", None])
def test_what_is_no_picture_is_refused_beside_the_field(
    as_ada: Client, media: Path, content: bytes | None
) -> None:
    form = {}
    if content is not None:
        upload = io.BytesIO(content)
        upload.name = "me.png"
        form = {"picture": upload}
    response = as_ada.post(reverse("accounts:avatar"), form)
    assert response.status_code == 200
    assert 'id="id_picture_error"' in response.content.decode()
    assert not list(media.iterdir())


def test_password_change_keeps_this_session_and_ends_the_others(as_ada: Client, ada: User) -> None:
    elsewhere = Client()
    elsewhere.force_login(ada)
    new = "quince-Cheese-5-x"
    response = as_ada.post(
        reverse("accounts:password"),
        {"old_password": PASSWORD, "new_password1": new, "new_password2": new},
    )
    assert response["Location"] == reverse("accounts:account")
    assert is_logged_in(as_ada)
    assert not is_logged_in(elsewhere)
    ada.refresh_from_db()
    assert ada.check_password(new)


def test_password_change_wants_the_old_one(as_ada: Client, ada: User) -> None:
    new = "quince-Cheese-5-x"
    form = {"old_password": "wrong", "new_password1": new, "new_password2": new}
    response = as_ada.post(reverse("accounts:password"), form)
    assert list(response.context["form"].errors) == ["old_password"]
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


def test_staff_manage_users_in_the_admin(admin_client: Client, ada: User) -> None:
    assert "ada@example.org" in admin_client.get("/admin/accounts/user/").content.decode()
    form = {
        "username": "eve",
        "email": "Eve@example.org",
        "display_name": "Eve",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }
    assert admin_client.post("/admin/accounts/user/add/", form).status_code == 302
    assert User.objects.get(username="eve").email == "eve@example.org"
    assert admin_client.get(f"/admin/accounts/user/{ada.pk}/change/").status_code == 200
