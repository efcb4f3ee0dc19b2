"""The table of permissions, as `migrate` makes it and as the admin keeps to it."""

import re
from collections.abc import Iterator

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from shopsmart.accounts.models import User
from shopsmart.accounts.roles import (
    ACCOUNTS_DEPARTMENT,
    CATALOGUE_EDITORS,
    ORDER_DESK,
    ROLES,
    STOCK_KEEPERS,
    permissions_of,
)
from shopsmart.accounts.services import create_token
from shopsmart.catalog.tests.make import make_product, make_user
from shopsmart.notifications.models import Mail
from shopsmart.notifications.tests.make import make_mails

pytestmark = pytest.mark.django_db


def held(role: str) -> set[tuple[str, str]]:
    permissions = Group.objects.get(name=role).permissions.select_related("content_type")
    return {(permission.content_type.app_label, permission.codename) for permission in permissions}


def as_role(role: str) -> Client:
    user = make_user("clerk", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


def links(client: Client) -> set[str]:
    """The lists that the admin's front page offers."""
    page = client.get("/admin/").content.decode()
    return set(re.findall(r'href="/admin/(\w+/\w+)/"', page)) - {"password_change"}


@pytest.mark.parametrize("role", ROLES)
def test_each_role_holds_what_the_table_says_and_nothing_else(role: str) -> None:
    assert held(role) == set(permissions_of(role))


def test_the_table_names_permissions_that_exist() -> None:
    known = set(Permission.objects.values_list("content_type__app_label", "codename"))
    assert {pair for role in ROLES for pair in permissions_of(role)} <= known


def test_no_role_may_give_itself_another() -> None:
    """Whoever may change accounts or groups could; the same goes for tokens and the log of the admin."""
    for role in ROLES:
        for app, code in permissions_of(role):
            assert app not in ("auth", "sessions", "contenttypes", "admin"), (role, code)
            if app == "accounts":
                assert code.startswith("view_"), (role, code)
                assert "token" not in code, (role, code)


def test_migrating_again_changes_nothing() -> None:
    before = {role: held(role) for role in ROLES}
    keys = set(Group.objects.values_list("pk", "name"))
    call_command("migrate", verbosity=0)
    assert {role: held(role) for role in ROLES} == before
    assert set(Group.objects.values_list("pk", "name")) == keys


def test_migrating_mends_what_was_changed_by_hand_and_leaves_other_groups_alone() -> None:
    desk = Group.objects.get(name=ORDER_DESK)
    change_user = Permission.objects.get(codename="change_user")
    desk.permissions.add(change_user)
    desk.permissions.remove(Permission.objects.get(codename="change_order"))
    Group.objects.get(name=STOCK_KEEPERS).delete()
    own = Group.objects.create(name="Night shift")
    own.permissions.add(change_user)
    call_command("migrate", verbosity=0)
    for role in ROLES:
        assert held(role) == set(permissions_of(role))
    assert list(own.permissions.all()) == [change_user]


@pytest.mark.django_db(transaction=True)
def test_roles_are_there_again_after_a_flush() -> None:
    call_command("flush", verbosity=0, interactive=False)
    for role in ROLES:
        assert held(role) == set(permissions_of(role))


def test_apps_without_roles_cost_nothing(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    from shopsmart.accounts.roles import keep_roles

    with django_assert_num_queries(0):
        keep_roles(apps.get_app_config("sessions"), using="default", apps=apps)


# The admin ----------------------------------------------------------------------------------


def lists_of(role: str) -> Iterator[str]:
    """The lists that a role may look into and that the admin has."""
    from django.contrib.admin import site

    shown = {f"{model._meta.app_label}/{model._meta.model_name}" for model in site._registry}
    for app, code in permissions_of(role):
        if code.startswith("view_") and f"{app}/{code.removeprefix('view_')}" in shown:
            yield f"{app}/{code.removeprefix('view_')}"


@pytest.mark.parametrize("role", ROLES)
def test_the_admin_shows_each_role_its_own_lists_and_no_other(role: str) -> None:
    client = as_role(role)
    mine = set(lists_of(role))
    assert mine
    assert links(client) >= mine
    others = {name for other in ROLES for name in lists_of(other)} | {"auth/group"}
    for name in mine:
        assert client.get(f"/admin/{name}/", follow=True).status_code == 200, name
    for name in others - mine:
        assert f'"/admin/{name}/"' not in client.get("/admin/").content.decode(), name
        assert client.get(f"/admin/{name}/").status_code == 403, name


def test_a_shopper_sees_no_admin(client: Client) -> None:
    client.force_login(make_user("ada"))
    assert client.get("/admin/").status_code == 302
    assert client.get("/admin/accounts/user/").status_code == 302


def test_who_may_look_at_shoppers_sees_no_hash_and_changes_nothing() -> None:
    ada = make_user("ada")
    client = as_role(ORDER_DESK)
    url = f"/admin/accounts/user/{ada.pk}/change/"
    page = client.get(url).content.decode()
    assert "ada@example.com" in page
    assert ada.password not in page
    assert ada.password.rpartition("$")[2] not in page
    assert client.post(url, {"is_superuser": "on", "username": "ada"}).status_code == 403
    assert client.get(f"/admin/accounts/user/{ada.pk}/password/").status_code == 403
    clerk = User.objects.get(username="clerk")
    assert (
        client.post(f"/admin/accounts/user/{clerk.pk}/change/", {"is_superuser": "on"}).status_code
        == 403
    )
    clerk.refresh_from_db()
    assert not clerk.is_superuser


def test_catalogue_editors_change_a_product_and_the_desk_does_not() -> None:
    product = make_product("Teapot", "10.00")
    url = f"/admin/catalog/product/{product.pk}/change/"
    assert as_role(CATALOGUE_EDITORS).get(url).status_code == 200
    User.objects.get(username="clerk").delete()
    assert as_role(ORDER_DESK).get(url).status_code == 403


def test_tokens_are_ended_in_the_admin_and_read_nowhere(admin_client: Client) -> None:
    ada = make_user("ada")
    stored, token = create_token(user=ada, name="till")
    page = admin_client.get(f"/admin/accounts/apitoken/{stored.pk}/change/").content.decode()
    assert stored.prefix in page
    for secret in (token, stored.digest):
        assert secret not in page
    assert admin_client.get("/admin/accounts/apitoken/add/").status_code == 403
    answer = admin_client.post(
        "/admin/accounts/apitoken/", {"action": "revoke", "_selected_action": [stored.pk]}
    )
    assert answer.status_code == 302
    stored.refresh_from_db()
    assert not stored.is_usable


def test_the_desk_sends_again_what_was_given_up() -> None:
    (mail,) = make_mails("ada@example.org")
    Mail.objects.update(state="failed", attempts=80)
    client = as_role(ORDER_DESK)
    url = "/admin/notifications/mail/"
    assert "ada@example.org" in client.get(f"{url}{mail.pk}/change/").content.decode()
    assert client.post(f"{url}{mail.pk}/change/", {"subject": "x"}).status_code == 403
    client.post(url, {"action": "send_again", "_selected_action": [mail.pk]})
    mail.refresh_from_db()
    assert (mail.state, mail.attempts) == ("queued", 0)


def test_the_accounts_department_does_not_send_mails() -> None:
    (mail,) = make_mails("ada@example.org")
    url = "/admin/notifications/mail/"
    answer = as_role(ACCOUNTS_DEPARTMENT).post(
        url, {"action": "send_again", "_selected_action": [mail.pk]}
    )
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "name",
    ["accounts/user", "accounts/address", "accounts/apitoken", "notifications/mail"],
)
def test_lists_in_the_admin_cost_the_same_however_long_they_are(
    admin_client: Client, name: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    from shopsmart.accounts.services import add_address

    for n in range(12):
        user = make_user(f"user{n}")
        create_token(user=user, name="till")
        add_address(user=user, name="A", line1="1", postcode="1", city="Bonn", country="DE")
        make_mails(user.email)
    with django_assert_max_num_queries(8):
        assert admin_client.get(f"/admin/{name}/").status_code == 200
