"""What Azure's resources would answer, for looking at the program without Azure."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.clusters.azure.names import azure_of
from infra.engine.declared import Answers
from infra.profile.model import Profile

_NAMESPACE = uuid.UUID("0d1d9a70-3f9e-5b57-8f42-7d1c0a1c8a40")
_KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters:
- name: cluster
  cluster: {server: "https://offline.privatelink.example.azmk8s.io:443", certificate-authority-data: bm9uZQ==}
"""

_TYPES: Mapping[str, tuple[str, str]] = {
    "azure-native:compute:DiskEncryptionSet": ("Microsoft.Compute/diskEncryptionSets", "diskEncryptionSetName"),
    "azure-native:containerregistry:Registry": ("Microsoft.ContainerRegistry/registries", "registryName"),
    "azure-native:containerservice:ManagedCluster": ("Microsoft.ContainerService/managedClusters", "resourceName"),
    "azure-native:dbforpostgresql:Server": ("Microsoft.DBforPostgreSQL/flexibleServers", "serverName"),
    "azure-native:dns:Zone": ("Microsoft.Network/dnsZones", "zoneName"),
    "azure-native:keyvault:Vault": ("Microsoft.KeyVault/vaults", "vaultName"),
    "azure-native:managedidentity:UserAssignedIdentity": (
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        "resourceName",
    ),
    "azure-native:network:NatGateway": ("Microsoft.Network/natGateways", "natGatewayName"),
    "azure-native:network:NetworkSecurityGroup": (
        "Microsoft.Network/networkSecurityGroups",
        "networkSecurityGroupName",
    ),
    "azure-native:network:PrivateEndpoint": ("Microsoft.Network/privateEndpoints", "privateEndpointName"),
    "azure-native:network:PublicIPAddress": ("Microsoft.Network/publicIPAddresses", "publicIpAddressName"),
    "azure-native:network:VirtualNetwork": ("Microsoft.Network/virtualNetworks", "virtualNetworkName"),
    "azure-native:privatedns:PrivateZone": ("Microsoft.Network/privateDnsZones", "privateZoneName"),
    "azure-native:storage:StorageAccount": ("Microsoft.Storage/storageAccounts", "accountName"),
}
"""Token → resource type, input that holds the name."""

_BELOW: Mapping[str, tuple[str, str, str, str]] = {
    "azure-native:keyvault:Key": ("Microsoft.KeyVault/vaults", "vaultName", "keys", "keyName"),
    "azure-native:network:Subnet": ("Microsoft.Network/virtualNetworks", "virtualNetworkName", "subnets", "subnetName"),
    "azure-native:storage:BlobContainer": (
        "Microsoft.Storage/storageAccounts",
        "accountName",
        "blobServices/default/containers",
        "containerName",
    ),
}
"""Token → type and name of what it is part of, its own type and name."""


def _guid(*parts: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, "/".join(parts)))


def _key(inputs: Mapping[str, Any]) -> dict[str, Any]:
    uri = f"https://{inputs['vaultName']}.vault.azure.net/keys/{inputs['keyName']}"
    return {"keyUri": uri, "keyUriWithVersion": f"{uri}/{'0' * 32}"}


def _cluster(inputs: Mapping[str, Any]) -> dict[str, Any]:
    location, name, tenant = inputs["location"], inputs["dnsPrefix"], inputs["aadProfile"]["tenantID"]
    issuer = f"https://{location}.oic.prod-aks.azure.com/{tenant}/{_guid(name)}/"
    return {
        "currentKubernetesVersion": f"{inputs['kubernetesVersion']}.0",
        "fqdn": f"{name}.hcp.{location}.azmk8s.io",
        "privateFQDN": f"{name}.private.{location}.azmk8s.io",
        "oidcIssuerProfile": {"enabled": True, "issuerURL": issuer},
    }


def _vault(inputs: Mapping[str, Any]) -> dict[str, Any]:
    uri = f"https://{inputs['vaultName']}.vault.azure.net/"
    return {"properties": {**inputs["properties"], "vaultUri": uri}}


def _identity(inputs: Mapping[str, Any]) -> dict[str, Any]:
    name = inputs["resourceName"]
    return {"clientId": _guid("client", name), "principalId": _guid("principal", name)}


_KNOWN: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "azure-native:containerregistry:Registry": lambda given: {"loginServer": f"{given['registryName']}.azurecr.io"},
    "azure-native:containerservice:ManagedCluster": _cluster,
    "azure-native:dbforpostgresql:Server": lambda given: {
        "fullyQualifiedDomainName": f"{given['serverName']}.postgres.database.azure.com"
    },
    "azure-native:dns:Zone": lambda _: {"nameServers": ["ns1-01.azure-dns.com.", "ns2-01.azure-dns.net."]},
    "azure-native:keyvault:Key": _key,
    "azure-native:keyvault:Vault": _vault,
    "azure-native:managedidentity:UserAssignedIdentity": _identity,
}


@dataclass(frozen=True)
class AzureAnswers:
    """Ids as Azure makes them; what only Azure knows is made up, the same at every run."""

    subscription: str

    def resource(self, kind: str, name: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        del name
        made: dict[str, Any] = {}
        base = f"/subscriptions/{self.subscription}/resourceGroups/{inputs.get('resourceGroupName')}"
        if kind == "azure-native:resources:ResourceGroup":
            made = {"id": base, "name": inputs["resourceGroupName"]}
        elif kind in _TYPES:
            token, field = _TYPES[kind]
            made = {"id": f"{base}/providers/{token}/{inputs[field]}", "name": inputs[field]}
        elif kind in _BELOW:
            above, field, token, own = _BELOW[kind]
            made = {"id": f"{base}/providers/{above}/{inputs[field]}/{token}/{inputs[own]}", "name": inputs[own]}
        made |= _KNOWN[kind](inputs) if kind in _KNOWN else {}
        given = inputs.get("identity", {}).get("userAssignedIdentities")
        if isinstance(given, list):
            # The provider takes ids and gives a map.
            made["identity"] = {**inputs["identity"], "userAssignedIdentities": {each: {} for each in given}}
        return made

    def call(self, token: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        match token:
            case "azure-native:authorization:getClientConfig":
                return {
                    "clientId": _guid("client", "installer"),
                    "objectId": _guid("principal", "installer"),
                    "subscriptionId": self.subscription,
                    "tenantId": _guid("tenant"),
                }
            case "azure-native:storage:listStorageAccountKeys":
                key = base64.b64encode(_guid("key", str(arguments["accountName"])).encode()).decode()
                return {"keys": [{"keyName": "key1", "value": key, "permissions": "FULL", "creationTime": ""}]}
            case "azure-native:containerservice:listManagedClusterUserCredentials":
                return {
                    "kubeconfigs": [{"name": "clusterUser", "value": base64.b64encode(_KUBECONFIG.encode()).decode()}]
                }
        raise LookupError(f"the program calls {token}, for which there is no answer offline")


def answers(profile: Profile) -> Answers:
    """For `declare` of the programs of this folder."""
    return AzureAnswers(subscription=azure_of(profile).subscription)
