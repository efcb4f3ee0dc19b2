from django.urls import path

from shopsmart.accounts.views import profile, session

app_name = "accounts"

urlpatterns = [
    path("", profile.account, name="account"),
    path("avatar/", profile.avatar, name="avatar"),
    path("avatar/remove/", profile.remove_avatar, name="remove-avatar"),
    path("login/", session.LoginView.as_view(), name="login"),
    path("logout/", session.LogoutView.as_view(), name="logout"),
    path("password/", profile.PasswordView.as_view(), name="password"),
    path("register/", session.RegisterView.as_view(), name="register"),
]
