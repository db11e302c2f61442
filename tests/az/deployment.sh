# The whole chat stack with nothing but az, as an article would tell it. Run after: eval "$(chatops cloud env)"
# Takes: BUILD, the folder of an image. Leaves the resource group article-rg.
GROUP=article-rg LOCATION=germanywestcentral VAULT=article-vault REGISTRY=articlecr SERVER=article-db
ZONE=article.private.postgres.database.azure.com
HERE=(--resource-group $GROUP)
set -euo pipefail

az login --service-principal --username "$AZURE_CLIENT_ID" --password "$AZURE_CLIENT_SECRET" --tenant "$AZURE_TENANT_ID"
az group create --name $GROUP --location $LOCATION

az network vnet create "${HERE[@]}" --name vnet --address-prefix 10.0.0.0/24
az network vnet subnet create "${HERE[@]}" --vnet-name vnet --name apps --address-prefixes 10.0.0.0/25
az network vnet subnet create "${HERE[@]}" --vnet-name vnet --name database --address-prefixes 10.0.0.128/25
az network vnet subnet update "${HERE[@]}" --vnet-name vnet --name apps --delegations Microsoft.App/environments
az network vnet subnet update "${HERE[@]}" --vnet-name vnet --name database \
    --delegations Microsoft.DBforPostgreSQL/flexibleServers
subnet=$(az network vnet subnet show "${HERE[@]}" --vnet-name vnet --name apps --query id --output tsv)

vault=$(az keyvault create "${HERE[@]}" --name $VAULT --location $LOCATION --query id --output tsv)
az role assignment create --role "Key Vault Secrets Officer" --assignee "$CHATOPS_OPERATOR_EMAIL" --scope "$vault"
az keyvault secret set --vault-name $VAULT --name postgres-username --value chat
az keyvault secret set --vault-name $VAULT --name postgres-password --value "$DATABASE_PASSWORD"
password=$(az keyvault secret show --vault-name $VAULT --name postgres-password --query value --output tsv)

az network private-dns zone create "${HERE[@]}" --name $ZONE
az network private-dns link vnet create "${HERE[@]}" --zone-name $ZONE --name link --virtual-network vnet \
    --registration-enabled false
az postgres flexible-server create "${HERE[@]}" --name $SERVER --location $LOCATION --tier Burstable \
    --sku-name Standard_B1ms --storage-size 32 --version 16 --vnet vnet --subnet database --private-dns-zone $ZONE \
    --admin-user chat --admin-password "$password" --yes

az containerapp env create "${HERE[@]}" --name env --location $LOCATION --infrastructure-subnet-resource-id "$subnet"
registry=$(az acr create "${HERE[@]}" --name $REGISTRY --sku Basic --admin-enabled true --query id --output tsv)
az acr login --name $REGISTRY --expose-token
az acr build --registry $REGISTRY --image service:1 "$BUILD"

identity=$(az identity create "${HERE[@]}" --name puller --location $LOCATION --query id --output tsv)
puller=$(az identity show --ids "$identity" --query principalId --output tsv)
az role assignment create --role AcrPull --assignee "$puller" --scope "$registry"
app=("${HERE[@]}" --environment env --image $REGISTRY.azurecr.io/service:1 --registry-server $REGISTRY.azurecr.io)
app+=(--target-port 80 --cpu 0.25 --memory 0.5Gi)
az containerapp create "${app[@]}" --name db-api --ingress internal --min-replicas 1 \
    --secrets postgres-password="$password" \
    --env-vars POSTGRES_HOST=$SERVER.postgres.database.azure.com POSTGRES_PASSWORD=secretref:postgres-password
az containerapp create "${app[@]}" --name lm-api --ingress internal --min-replicas 0 --max-replicas 5 \
    --scale-rule-name http --scale-rule-http-concurrency 2 --user-assigned "$identity" --registry-identity "$identity"
az containerapp create "${app[@]}" --name ui --ingress external --min-replicas 1 --env-vars GREETING=hello
az containerapp show "${HERE[@]}" --name ui
az containerapp logs show "${HERE[@]}" --name ui

ui=("${HERE[@]}" --name ui)
az containerapp revision set-mode "${ui[@]}" --mode multiple
before=$(az containerapp revision list "${ui[@]}" --query '[0].name' --output tsv)
az containerapp ingress traffic set "${ui[@]}" --revision-weight "$before=100"
az containerapp update "${ui[@]}" --set-env-vars GREETING=hello-again --revision-suffix next
az containerapp revision label add "${ui[@]}" --label next --revision ui--next --yes
az containerapp ingress traffic set "${ui[@]}" --revision-weight "$before=80" --label-weight next=20
az containerapp ingress traffic set "${ui[@]}" --revision-weight "$before=0" --label-weight next=100
az containerapp revision deactivate "${ui[@]}" --revision "$before"

DOMAIN=contoso.example
az network dns zone create "${HERE[@]}" --name $DOMAIN
proof=$(az containerapp show "${HERE[@]}" --name ui --query properties.customDomainVerificationId --output tsv)
target=$(az containerapp show "${HERE[@]}" --name ui --query properties.configuration.ingress.fqdn --output tsv)
az network dns record-set txt add-record "${HERE[@]}" --zone-name $DOMAIN --record-set-name asuid.chat --value "$proof"
az network dns record-set cname set-record "${HERE[@]}" --zone-name $DOMAIN --record-set-name chat --cname "$target"
az containerapp hostname add "${HERE[@]}" --name ui --hostname chat.contoso.example
az containerapp hostname bind "${HERE[@]}" --name ui --hostname chat.contoso.example --environment env \
    --validation-method CNAME
