/**
 * Kubernetes replaces `$(NAME)` in a container's command, args and env values by its environment.
 * A branch may be called `$(GIT_PASSWORD)`: every text that is not ours passes through here, and
 * arrives in the container as it was. See the Kubernetes API, Container.args.
 */
export const literal = (text: string): string => text.replaceAll('$', '$$$$')
