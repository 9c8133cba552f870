/** How an image is told from others in the metrics. */
export interface ImageLabels {
  /** `host/path` */
  readonly repository: string
  readonly image: string
}

/** How many images a process has time series of their own for. */
export const mostImages = 200

const others: ImageLabels = { repository: 'other', image: 'other' }

/** Keeps the number of time series bounded: the first images have their names, all later ones are `other`. */
export function createImageLabels(most = mostImages): (of: ImageLabels) => ImageLabels {
  const known = new Set<string>()
  return ({ repository, image }) => {
    const key = JSON.stringify([repository, image])
    if (!known.has(key) && known.size >= most) return others
    known.add(key)
    return { repository, image }
  }
}
