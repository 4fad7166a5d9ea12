"""REST of signing in, accounts and tokens."""

from __future__ import annotations

from uuid import UUID

from flask import Response, json, request

from controlplane.auth.accounts import AccountService
from controlplane.auth.csrf import same_origin
from controlplane.auth.model import (
    Account,
    AccountCreate,
    AccountName,
    AccountQuery,
    AccountUpdate,
    Login,
    LoginToken,
    Me,
    NewToken,
    PasswordChange,
    SessionStarted,
    Token,
    TokenCreate,
)
from controlplane.auth.service import AuthService
from controlplane.auth.tokens import TokenService
from controlplane.errors import Refused
from controlplane.http import caller
from controlplane.http.endpoint import Api
from controlplane.model import Page, Paging
from controlplane.work import Work

api = Api("auth")


def _own_page_or_no_browser() -> None:
    if not same_origin(request.headers, caller.runtime().settings.public_url):
        raise Refused("Signing in is possible from our own pages only.", code="csrf")


@api.post("/session", status=201, public=True, idempotent=False)
def sign_in(work: Work, body: Login) -> SessionStarted:
    """Sign in with a cookie. The answer holds the token that every change by cookie has to send in X-CSRF-Token."""
    _own_page_or_no_browser()
    started = AuthService(work).login(body)
    view = SessionStarted(account=started.principal.name, csrf=started.csrf, expires_at=started.expires_at)
    response = Response(json.dumps(view.model_dump(mode="json")), 201, content_type="application/json")
    caller.set_session(response, started)
    return response  # type: ignore[return-value]


@api.delete("/session")
def sign_out(work: Work) -> None:
    """End the session of the cookie, on the server too."""
    AuthService(work).logout(request.cookies.get(caller.SESSION_COOKIE, ""))
    response = Response(status=204)
    caller.clear_session(response)
    return response  # type: ignore[return-value]


@api.post("/login", status=201, public=True, idempotent=False)
def log_in_for_token(work: Work, body: LoginToken) -> NewToken:
    """Account and password for a token, for command lines. Its secret is shown this once."""
    _own_page_or_no_browser()
    return TokenService(work).for_password(body)


@api.get("/me")
def get_me(work: Work) -> Me:
    """Who you are and which tenants you belong to."""
    return AuthService(work).me()


@api.post("/me/password", idempotent=False)
def change_my_password(work: Work, body: PasswordChange) -> None:
    """Change your password. Ends your other sessions."""
    AuthService(work).change_password(body)


@api.post("/tokens", status=201, idempotent=False)
def create_token(work: Work, body: TokenCreate) -> NewToken:
    """Make a token of your own. Its secret is shown this once."""
    return TokenService(work).create(body)


@api.get("/tokens")
def list_tokens(work: Work, query: Paging) -> Page[Token]:
    """Your tokens, newest first."""
    return TokenService(work).list(query)


@api.delete("/tokens/{token}")
def revoke_token(work: Work, token: UUID) -> None:
    """End a token of yours at once."""
    TokenService(work).revoke(token)


@api.post("/accounts", status=201, idempotent=False)
def create_account(work: Work, body: AccountCreate) -> Account:
    """Create a local account. Platform admins only."""
    return AccountService(work).create(body)


@api.get("/accounts")
def list_accounts(work: Work, query: AccountQuery) -> Page[Account]:
    """Local accounts by name. Platform admins only."""
    return AccountService(work).list(query)


@api.get("/accounts/{account}")
def get_account(work: Work, account: AccountName) -> Account:
    """One local account. Platform admins only."""
    return AccountService(work).get(account)


@api.patch("/accounts/{account}")
def update_account(work: Work, account: AccountName, body: AccountUpdate, version: int | None) -> Account:
    """Change an account. A new password or disabling ends its sessions. Platform admins only."""
    return AccountService(work).update(account, body, version)
