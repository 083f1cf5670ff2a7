#!/usr/bin/env bash
# Deploys the templates beside this script by plain CloudFormation, in the order of stacks.tsv.
#   BUCKET=... REPOSITORY=... ./deploy.sh
# BUCKET and ECR REPOSITORY exist already, in the region of the stacks. Needs the AWS command line, Docker that can build
# for arm64, and credentials. The same again is an update; what has not changed is left alone.
set -euo pipefail
cd "$(dirname "$0")"
: "${BUCKET:?name of the bucket for assets/}" "${REPOSITORY:?name of the ECR repository for images/}"

region=$(head -n 1 stacks.tsv | cut -f 3)
storage=$(head -n 1 stacks.tsv | cut -f 2)
account=$(aws sts get-caller-identity --query Account --output text)
registry="$account.dkr.ecr.$region.amazonaws.com"

deploy() {  # template, stack, region, parameters that it has
    local overrides=() name
    for name in "${@:4}"; do
        case $name in
            AssetBucket) overrides+=("AssetBucket=$BUCKET") ;;
            ImageRepository) overrides+=("ImageRepository=$REPOSITORY") ;;
        esac
    done
    aws cloudformation deploy --template-file "$1" --stack-name "$2" --region "$3" \
        --capabilities CAPABILITY_NAMED_IAM --no-fail-on-empty-changeset \
        ${overrides[@]+--parameter-overrides "${overrides[@]}"}
}

IFS=$'\t' read -r -a first < stacks.tsv
deploy "${first[@]}"
its="ResourceType=='AWS::SecretsManager::Secret' && starts_with(LogicalResourceId, 'VendorKey')"
secret=$(aws cloudformation describe-stack-resources --stack-name "$storage" --region "$region" --output text \
    --query "StackResources[?$its].PhysicalResourceId")
stages=$(aws secretsmanager describe-secret --secret-id "$secret" --region "$region" --output text \
    --query "VersionIdsToStages.*[]")
if [[ $stages != *AWSPREVIOUS* ]]; then
    echo "Put the vendor's key into the secret $secret of $region, then run this again." >&2
    exit 1
fi

aws s3 sync assets "s3://$BUCKET" --region "$region"
aws ecr get-login-password --region "$region" | docker login --username AWS --password-stdin "$registry"
while IFS=$'\t' read -r folder dockerfile platform tag base; do
    aws ecr describe-images --repository-name "$REPOSITORY" --image-ids "imageTag=$tag" --region "$region" \
        > /dev/null 2>&1 < /dev/null && continue  # a tag that is there cannot be pushed again
    docker buildx build --platform "$platform" --provenance false --file "$folder/$dockerfile" \
        --build-arg "PYTHON_IMAGE=$base" --tag "$registry/$REPOSITORY:$tag" --push "$folder" < /dev/null
done < images.tsv

while IFS=$'\t' read -r -a row; do
    deploy "${row[@]}" < /dev/null
done < <(tail -n +2 stacks.tsv)
