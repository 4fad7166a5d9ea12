"""Every table in one place: importing this module fills `Base.metadata`."""

from __future__ import annotations

from controlplane.audit.repository import AuditChainRow, AuditEventRow
from controlplane.auth.repository import AccountRow, LoginFailureRow, SessionRow, TokenRow
from controlplane.db import Base
from controlplane.http.repository import IdempotencyRow
from controlplane.members.repository import MemberRow
from controlplane.operations.repository import OperationRow
from controlplane.promotions.repository import PromotionRow, PromotionRuleRow
from controlplane.requests.repository import RequestRow
from controlplane.serving.repository import EndpointUseRow
from controlplane.tenants.repository import TenantRow
from controlplane.workspaces.repository import WorkspaceRow

__all__ = [
    "AccountRow",
    "AuditChainRow",
    "AuditEventRow",
    "Base",
    "EndpointUseRow",
    "IdempotencyRow",
    "LoginFailureRow",
    "MemberRow",
    "OperationRow",
    "PromotionRow",
    "PromotionRuleRow",
    "RequestRow",
    "SessionRow",
    "TenantRow",
    "TokenRow",
    "WorkspaceRow",
]
