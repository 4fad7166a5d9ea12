"""Properties of the clouds' resources that cannot change in place. Pure.

The SDKs do not carry this; it is what the providers document of the resources that our programs use. The offline plan
needs it to tell a replacement from a change. The online plan asks the provider itself.
"""

from __future__ import annotations

_AZURE = frozenset({"resourceGroupName", "location"})
"""Of every Azure resource, beside its name."""

_FIXED: dict[str, frozenset[str]] = {
    "aws:ec2/vpc:Vpc": frozenset({"cidrBlock", "instanceTenancy"}),
    "aws:ec2/subnet:Subnet": frozenset({"cidrBlock", "availabilityZone", "vpcId"}),
    "aws:ec2/securityGroup:SecurityGroup": frozenset({"name", "description", "vpcId"}),
    "aws:ec2/natGateway:NatGateway": frozenset({"subnetId", "allocationId", "connectivityType"}),
    "aws:ec2/vpcEndpoint:VpcEndpoint": frozenset({"serviceName", "vpcId", "vpcEndpointType"}),
    "aws:eks/cluster:Cluster": frozenset(
        {"name", "roleArn", "kubernetesNetworkConfig", "accessConfig.bootstrapClusterCreatorAdminPermissions"}
    ),
    "aws:eks/nodeGroup:NodeGroup": frozenset(
        {
            "clusterName",
            "nodeGroupName",
            "nodeRoleArn",
            "subnetIds",
            "instanceTypes",
            "amiType",
            "capacityType",
            "diskSize",
        }
    ),
    "aws:eks/addon:Addon": frozenset({"clusterName", "addonName"}),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": frozenset({"clusterName", "namespace", "serviceAccount"}),
    "aws:rds/instance:Instance": frozenset(
        {"engine", "username", "storageEncrypted", "kmsKeyId", "dbName", "availabilityZone", "characterSetName"}
    ),
    "aws:rds/subnetGroup:SubnetGroup": frozenset({"name"}),
    "aws:s3/bucket:Bucket": frozenset({"bucket", "bucketPrefix", "objectLockEnabled"}),
    "aws:efs/fileSystem:FileSystem": frozenset({"encrypted", "kmsKeyId", "performanceMode", "creationToken"}),
    "aws:ecr/repository:Repository": frozenset({"name", "encryptionConfigurations"}),
    "aws:iam/role:Role": frozenset({"name", "namePrefix", "path"}),
    "aws:iam/policy:Policy": frozenset({"name", "namePrefix", "path", "description"}),
    "aws:kms/key:Key": frozenset({"keyUsage", "customerMasterKeySpec", "multiRegion"}),
    "aws:kms/alias:Alias": frozenset({"name"}),
    "aws:route53/zone:Zone": frozenset({"name"}),
    "aws:route53/record:Record": frozenset({"name", "zoneId"}),
    "gcp:compute/network:Network": frozenset({"name", "autoCreateSubnetworks"}),
    "gcp:compute/subnetwork:Subnetwork": frozenset({"name", "network", "region"}),
    "gcp:compute/router:Router": frozenset({"name", "network", "region"}),
    "gcp:container/cluster:Cluster": frozenset(
        {
            "name",
            "location",
            "network",
            "subnetwork",
            "initialNodeCount",
            "networkingMode",
            "ipAllocationPolicy",
            "datapathProvider",
            "privateClusterConfig.masterIpv4CidrBlock",
        }
    ),
    "gcp:container/nodePool:NodePool": frozenset(
        {"name", "cluster", "location", "nodeConfig.spot", "nodeConfig.serviceAccount", "nodeConfig.guestAccelerators"}
    ),
    "gcp:sql/databaseInstance:DatabaseInstance": frozenset(
        {"name", "region", "encryptionKeyName", "masterInstanceName"}
    ),
    "gcp:sql/database:Database": frozenset({"name", "instance"}),
    "gcp:sql/user:User": frozenset({"name", "instance"}),
    "gcp:storage/bucket:Bucket": frozenset({"name", "location", "project"}),
    "gcp:artifactregistry/repository:Repository": frozenset({"repositoryId", "location", "format", "kmsKeyName"}),
    "gcp:kms/keyRing:KeyRing": frozenset({"name", "location"}),
    "gcp:kms/cryptoKey:CryptoKey": frozenset({"name", "keyRing", "purpose"}),
    "gcp:dns/managedZone:ManagedZone": frozenset({"name", "dnsName", "visibility"}),
    "gcp:serviceaccount/account:Account": frozenset({"accountId", "project"}),
    "azure-native:resources:ResourceGroup": frozenset({"resourceGroupName", "location"}),
    "azure-native:network:VirtualNetwork": frozenset({"virtualNetworkName"}),
    "azure-native:network:Subnet": frozenset({"subnetName", "virtualNetworkName"}),
    "azure-native:containerservice:ManagedCluster": frozenset(
        {"resourceName", "dnsPrefix", "nodeResourceGroup", "networkProfile"}
    ),
    "azure-native:containerservice:AgentPool": frozenset(
        {"agentPoolName", "resourceName", "vmSize", "osDiskSizeGB", "osType", "scaleSetPriority", "vnetSubnetID"}
    ),
    "azure-native:storage:StorageAccount": frozenset({"accountName", "isHnsEnabled", "enableNfsV3"}),
    "azure-native:dbforpostgresql:Server": frozenset({"serverName", "administratorLogin", "createMode", "network"}),
    "azure-native:containerregistry:Registry": frozenset({"registryName"}),
    "azure-native:keyvault:Vault": frozenset({"vaultName"}),
    "azure-native:managedidentity:UserAssignedIdentity": frozenset({"resourceName"}),
}


def fixed_paths(kind: str) -> frozenset[str]:
    """Paths in Pulumi's names whose change replaces a resource of this type; empty for types not listed."""
    own = _FIXED.get(kind, frozenset())
    return own | _AZURE if kind.startswith("azure-native:") else own
