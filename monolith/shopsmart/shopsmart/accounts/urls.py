from django.urls import path

from shopsmart.accounts import views

app_name = "accounts"

urlpatterns = [
    path("", views.account, name="account"),
    path("avatar/", views.avatar, name="avatar"),
    path("avatar/remove/", views.remove_avatar, name="remove-avatar"),
    path("login/", views.LoginView.as_view(), name="login"),
    path("logout/", views.LogoutView.as_view(), name="logout"),
    path("password/", views.PasswordView.as_view(), name="password"),
    path("register/", views.RegisterView.as_view(), name="register"),
]
