import { DeliveryRejected } from '../errors.ts'

/** The constant answers to a request that is refused; none says what would have been right. */
export const rejected = {
  signature: () => new DeliveryRejected(401, 'signature missing or wrong'),
  header: (name: string) => new DeliveryRejected(400, `header missing or malformed: ${name}`),
  json: () => new DeliveryRejected(400, 'body is not a JSON object in UTF-8'),
  payload: () => new DeliveryRejected(400, 'body is not a valid push event'),
  pullRequest: () => new DeliveryRejected(400, 'body is not a valid event of a pull request'),
}
