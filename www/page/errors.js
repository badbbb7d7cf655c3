/** Errors as the steps read them. */

/**
 * The code of an error of the client.
 * @param {unknown} error
 * @returns {string|undefined}
 */
export const codeOf = (error) => /** @type {{code?: string}|null} */ (error)?.code;

/**
 * The message of an error.
 * @param {unknown} error
 * @returns {string}
 */
export const messageOf = (error) => String(/** @type {{message?: unknown}|null} */ (error)?.message ?? error);
