from django.urls import path

from shopsmart.accounts.throttling import (
    PasswordThrottle,
    RegisterThrottle,
    limit_logins,
    limit_posts,
)
from shopsmart.accounts.views import addresses, inbox, profile, session, tokens

app_name = "accounts"

urlpatterns = [
    path("", profile.account, name="account"),
    path("addresses/", addresses.addresses, name="addresses"),
    path("addresses/new/", addresses.new_address, name="new-address"),
    path("addresses/<int:pk>/", addresses.address, name="address"),
    path("addresses/<int:pk>/default/", addresses.default_address, name="default-address"),
    path("addresses/<int:pk>/delete/", addresses.delete_address, name="delete-address"),
    path("avatar/", profile.avatar, name="avatar"),
    path("avatar/remove/", profile.remove_avatar, name="remove-avatar"),
    path("inbox/", inbox.inbox, name="inbox"),
    path("inbox/<int:pk>/", inbox.open_notification, name="open-notification"),
    path("inbox/read/", inbox.read_all, name="read-all"),
    path("login/", limit_logins(session.LoginView.as_view()), name="login"),
    path("logout/", session.LogoutView.as_view(), name="logout"),
    path(
        "password/",
        limit_posts(PasswordThrottle)(profile.PasswordView.as_view()),
        name="password",
    ),
    path(
        "register/",
        limit_posts(RegisterThrottle)(session.RegisterView.as_view()),
        name="register",
    ),
    path("tokens/", tokens.tokens, name="tokens"),
    path("tokens/<int:pk>/revoke/", tokens.revoke_token, name="revoke-token"),
]
