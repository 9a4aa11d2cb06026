import type { Surroundings } from './surroundings.ts';

/** An image to run, and how it is built where no registry has it to give. */
export interface ImageSpec {
  /** The official image, such as `redis:8`. */
  readonly official: string;
  /** The folder of `images/` that builds the same from Debian. */
  readonly folder: string;
  /** The Debian release that it is built from, such as `trixie`: it decides the version of the server. */
  readonly suite: string;
  /**
   * Fetches what the build copies, into a copy of the folder. For what Debian does not have: inside a build, the machine's
   * own package clients and certificates are not to be had. What it fetches is to be pinned in the folder's files, which
   * the cached image's tag is made of.
   */
  readonly prepare?: (context: string, around: Surroundings) => Promise<void>;
}

/** Settings of the server, by the names of its own configuration file. */
export type Configuration = Readonly<Record<string, string>>;

/** A user whom the server lets in, and nobody else. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** What a container is started with. */
export interface Launch {
  /** The server's command line, the same for the official and the local image. Default: the image's own. */
  readonly command?: readonly string[];
  /** Files put into the container before it starts, by path. */
  readonly files?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
}

/** One container of a broker. */
export interface ContainerSpec {
  readonly image: ImageSpec;
  /** The port inside the container; outside it is a free port of 127.0.0.1, the same for the container's whole life. */
  readonly port: number;
  /** The advertised port is the one that clients are to be told where the server tells them any. */
  launch(configuration: Configuration, advertisedPort: number, credentials?: Credentials): Launch;
  /** Resolves when the server on that port of 127.0.0.1 gives a first real answer; rejects when it does not within a second. */
  answers(publishedPort: number): Promise<void>;
}

/** A broker that tests can have. Most are one container; several share their fate: they start, restart and end together. */
export interface BrokerSpec {
  /** The environment variable with the URL of a broker that runs already. */
  readonly variable: string;
  readonly containers: readonly [ContainerSpec, ...ContainerSpec[]];
  /** Other servers for the first container, by the name that `startBroker` takes, such as `7.0`: what differs of it. */
  readonly versions?: Readonly<Record<string, Partial<ContainerSpec>>>;
  /** Set where it is no broker for `connect`, but a store that other packages need. */
  readonly store?: true;
  /** Set where several servers can be one cluster. */
  readonly cluster?: ClusterSpec;
  /** The URL for `connect`, from the published port of each container, or of each server of a cluster. */
  url(ports: readonly number[], credentials?: Credentials): string;
}

/** Several servers in one container that keep the same data. */
export interface ClusterSpec {
  /** A shell script that becomes the server of that place, again after it was killed as well. It holds no single quote. */
  server(place: number, cluster: ClusterPorts, credentials: Credentials | undefined): string;
  /** Resolves when all of them, which answer, are one cluster. */
  formed(exec: (command: readonly string[]) => Promise<string>, cluster: ClusterPorts): Promise<unknown>;
}

export interface ClusterPorts {
  /** On which each server listens. */
  readonly ports: readonly number[];
  /** Which clients are told of each, where the server tells them any. */
  readonly advertisedPorts: readonly number[];
}
