// Made by `flowglass reference types > www/client/options.d.ts`. Edit the table in the code instead.

/** The training options, as the table of options in Rust has them. */
export interface TrainingOptions {
  /** Passes over the training split. Takes a whole number from 1 to 1000000. Default: 5. */
  num_epochs?: number;
  /** Simulations in a training step. Takes a whole number from 1 to 1048576. Default: 32. */
  batch_size?: number;
  /** Step size of the optimizer, AdamW. Takes a number from 0.00000001 to 1. Default: 0.001. */
  learning_rate?: number;
  /** Coordinates that the flow models. `physical` is physical units, `cube` is the cumulative probability under the prior, and `unconstrained` is its logit. All but `physical` need a prior for every parameter. Default: "unconstrained". */
  parameter_space?: 'physical' | 'cube' | 'unconstrained';
  /** Scaling of observations. `standardize` uses the mean and standard deviation of the training split, `per_sample` those of each spectrum, and `none` leaves the values as they are. The first two scale each point by itself if one scale would hide some of them. Default: "standardize". */
  preprocessing?: 'standardize' | 'per_sample' | 'none';
  /** Epochs without a better validation loss after which training stops. With or without this option, the weights of the best epoch are kept. Takes a whole number from 1 to 1000000, or none. Default: null. */
  early_stopping_patience?: number | null;
  /** Seed of the initial weights, the validation split, the order of batches, and sampling. Takes a whole number from 0 to 9007199254740991. Default: 0. */
  seed?: number;
  /** Kind of flow. `spline` and `affine` are coupling flows, with splines or with shift and scale; both train and sample fast. In `autoregressive` and `neural_autoregressive` flows, every parameter depends on all parameters before it; they are more flexible, and slower to sample. `autoregressive` uses the autoregressive_transform, `neural_autoregressive` small monotone networks. Default: "spline". */
  flow_family?: 'spline' | 'affine' | 'autoregressive' | 'neural_autoregressive';
  /** Layers of the flow. Takes a whole number from 1 to 64. Default: 4. */
  num_coupling_layers?: number;
  /** Width of the hidden layers in the flow's conditioners and in the network that makes the embedding. Takes a whole number from 1 to 4096. Default: 128. */
  hidden_dim?: number;
  /** Hidden layers in each conditioner. Takes a whole number from 1 to 16. Default: 2. */
  conditioner_depth?: number;
  /** Bins of each spline. Has an effect only if flow_family is spline, or autoregressive with autoregressive_transform spline. Takes a whole number from 2 to 64. Default: 8. */
  num_spline_bins?: number;
  /** Bound of each spline. From -bound to bound it is a spline; outside, it is the identity. Has an effect only if flow_family is spline, or autoregressive with autoregressive_transform spline. Takes a number from 0.1 to 1000. Default: 10.0. */
  spline_bound?: number;
  /** Map that an `autoregressive` flow applies to a parameter: shift and scale, or a spline. Has an effect only if flow_family is autoregressive. Default: "spline". */
  autoregressive_transform?: 'affine' | 'spline';
  /** Units of each monotone network in a `neural_autoregressive` flow. Has an effect only if flow_family is neural_autoregressive. Takes a whole number from 1 to 64. Default: 16. */
  autoregressive_transform_units?: number;
  /** Smallest slope inside each unit of a monotone network. Has an effect only if flow_family is neural_autoregressive. Takes a number from 0.000001 to 0.9. Default: 0.001. */
  neural_autoregressive_min_slope?: number;
  /** Smallest slope of the straight part of a monotone network, and therefore of the whole network. Has an effect only if flow_family is neural_autoregressive. Takes a number from 0.0001 to 0.9. Default: 0.05. */
  neural_autoregressive_min_residual?: number;
  /** Bisection steps in the search for the inverse of a monotone network. Has an effect only if flow_family is neural_autoregressive. Takes a whole number from 1 to 200. Default: 48. */
  neural_autoregressive_inverse_bisection_steps?: number;
  /** Distribution in base space. `logistic` is the prior itself if the flow models cube or unconstrained coordinates. `student_t` has 5 degrees of freedom. Default: "gaussian". */
  base_distribution?: 'gaussian' | 'logistic' | 'student_t';
  /** Lets the base distribution move and widen with the observation. Default: false. */
  use_base_affine?: boolean;
  /** Encoder of the spectrum. `conv1d` has strided convolutions, for ordered values. `mlp` is a perceptron, for values without an order. `transformer` has attention over patches. Has an effect only if the data have a spectrum. Default: "conv1d". */
  spectrum_encoder_type?: 'conv1d' | 'mlp' | 'transformer';
  /** Size of the embedding. Takes a whole number from 1 to 4096. Default: 128. */
  embedding_dim?: number;
  /** Number of values that the spectrum's encoder makes. Has an effect only if the data have a spectrum. Takes a whole number from 1 to 4096. Default: 64. */
  spectrum_embedding_dim?: number;
  /** Width of an `mlp` or `transformer` encoder. Without this option, it is hidden_dim. Has an effect only if spectrum_encoder_type is mlp or transformer (conv1d has no such width), and the data have a spectrum. Takes a whole number from 1 to 4096, or none. Default: null. */
  encoder_hidden_dim?: number | null;
  /** Values in a patch of a `transformer` encoder. Has an effect only if spectrum_encoder_type is transformer, and the data have a spectrum. Takes a whole number from 1 to 4096. Default: 32. */
  encoder_patch_size?: number;
  /** Number of values that the photometry's encoder makes. Has an effect only if the data have photometry. Takes a whole number from 1 to 4096. Default: 64. */
  photometry_embedding_dim?: number;
  /** Objective of training. `npe` minimizes the mean of -log q(theta | x) over simulated pairs. `elbo` maximizes the evidence lower bound of each observation; it needs a likelihood, and no theta. Default: "npe". */
  training_objective?: 'npe' | 'elbo';
  /** Draws for each observation in the evidence lower bound. Has an effect only if training_objective is elbo. Takes a whole number from 1 to 1024. Default: 1. */
  elbo_num_samples?: number;
  /** Built-in simulator whose likelihood is used in the evidence lower bound. Has an effect only if training_objective is elbo. Default: null. */
  likelihood?: 'transit' | 'slcp' | 'gaussian_linear_uniform' | 'gaussian_mixture' | null;
  /** Flows that are trained one after another, each from another seed. Their average is the posterior; a larger ensemble overfits less. Takes a whole number from 1 to 64. Default: 1. */
  ensemble_size?: number;
  /** Smallest decrease of the validation loss that counts as better. Takes a number from 0 to 1000000. Default: 0.0. */
  early_stopping_min_delta?: number;
  /** Largest norm of the gradient over all weights. A larger gradient is scaled down to this norm. Without this option, no gradient is scaled. Takes a number from 0.000001 to 1000000, or none. Default: 1.0. */
  gradient_clip_norm?: number | null;
  /** Decoupled weight decay of AdamW. Each step shrinks every weight by the learning rate times this factor. Takes a number from 0 to 10. Default: 0.0. */
  weight_decay?: number;
  /** Raises the learning rate linearly at first (the warm-up), then lowers it along a cosine to min_learning_rate. Default: false. */
  use_cosine_schedule?: boolean;
  /** Length of the warm-up as a fraction of the schedule. Has an effect only if use_cosine_schedule is true, and warmup_epochs, which wins over it, is none. Takes a number from 0 to 1. Default: 0.02. */
  warmup_fraction?: number;
  /** Length of the warm-up in epochs. If it is set, warmup_fraction is not used. Has an effect only if use_cosine_schedule is true. Takes a number from 0 to 1000000, or none. Default: null. */
  warmup_epochs?: number | null;
  /** Learning rate at the end of the cosine, and after it. Has an effect only if use_cosine_schedule is true. Takes a number from 0 to 1. Default: 1e-6. */
  min_learning_rate?: number;
  /** Length of the schedule in epochs. Without this option, it is num_epochs. Has an effect only if use_cosine_schedule is true. Takes a whole number from 1 to 1000000, or none. Default: null. */
  lr_schedule_total_epochs?: number | null;
  /** Fraction of the simulations that is held out for validation. The seed decides which, before anything is fitted. Takes a number from 0 to 0.9. Default: 0.1. */
  validation_fraction?: number;
  /** How the flow meets the edges of the priors, where `parameter_space` is not `physical`. `logit` moves them to infinity. `mirror` continues the posterior beyond an edge as in a mirror, and folds draws back: posteriors that an edge cuts off are learned better, and the loss that is shown is an upper bound. Default: "logit". */
  edges?: 'logit' | 'mirror';
  /** Number of wavelengths. If it is set, data with another number are refused. Takes a whole number from 1 to 16777216, or none. Default: null. */
  n_wavelengths?: number | null;
  /** Number of parameters. If it is set, data with another number are refused. Takes a whole number from 1 to 4096, or none. Default: null. */
  parameter_dim?: number | null;
  /** Any JSON about the task. The model's file holds it. Default: null. */
  task_metadata?: unknown;
  /** Standard deviation of the noise that is added to every training batch, in units of the observational uncertainty. Without uncertainties, the unit is that of the scaled values. Takes a number from 0 to 1000. Default: 0.0. */
  embedding_noise_std?: number;
  /** Smallest uncertainty that the added noise uses, as a fraction of the typical uncertainty of the block. Has an effect only if embedding_noise_std is above 0. Takes a number from 0 to 1000. Default: 0.0. */
  embedding_noise_min_scale?: number;
  /** Standard deviation of the noise that is added to the training parameters, on the logit scale. The validation split gets no such noise. Has an effect only if training_objective is npe. Takes a number from 0 to 10. Default: 0.0. */
  parameter_noise_floor?: number;
  /** Weight of a loss that makes the embedding predict the log scale of the spectrum. Has an effect only if training_objective is npe, and the data have a spectrum. Takes a number from 0 to 1000000. Default: 0.0. */
  aux_scale_loss_weight?: number;
  /** Weight of a loss that makes the embedding predict the parameters, in the coordinates of the flow. Has an effect only if training_objective is npe. Takes a number from 0 to 1000000. Default: 0.0. */
  aux_parameter_loss_weight?: number;
  /** Weight of a penalty on bins that are narrower or lower than spline_min_bin_ratio_target. Has an effect only if flow_family is spline, or autoregressive with autoregressive_transform spline, and training_objective is npe. Takes a number from 0 to 1000000, or none. Default: null. */
  spline_small_bin_regularization_weight?: number | null;
  /** Smallest bin without a penalty, as a fraction of a uniform bin. Has an effect only if spline_small_bin_regularization_weight is above 0. Takes a number from 0 to 1. Default: 0.2. */
  spline_min_bin_ratio_target?: number;
  /** Weight of a penalty on bin widths and heights whose normalized entropy is below spline_entropy_floor. Has an effect only if flow_family is spline, or autoregressive with autoregressive_transform spline, and training_objective is npe. Takes a number from 0 to 1000000. Default: 0.0. */
  spline_entropy_regularization_weight?: number;
  /** Smallest normalized entropy without a penalty. Has an effect only if spline_entropy_regularization_weight is above 0. Takes a number from 0 to 1. Default: 0.6. */
  spline_entropy_floor?: number;
  /** Weight of a penalty on derivatives at knots outside spline_min_derivative_target and spline_max_derivative_target. Has an effect only if flow_family is spline, or autoregressive with autoregressive_transform spline, and training_objective is npe. Takes a number from 0 to 1000000. Default: 0.0. */
  spline_derivative_regularization_weight?: number;
  /** Smallest derivative at a knot without a penalty. Has an effect only if spline_derivative_regularization_weight is above 0. Takes a number from 0.001 to 1000. Default: 0.25. */
  spline_min_derivative_target?: number;
  /** Largest derivative at a knot without a penalty. Has an effect only if spline_derivative_regularization_weight is above 0. Takes a number from 0.001 to 1000. Default: 5.0. */
  spline_max_derivative_target?: number;
  /** Largest error of draws that go to data space and back to base space, for an epoch to count as stable. The best stable epoch is kept, if any epoch is stable. Without this option, the error may have any size. Takes a number from 0 to 1000000, or none. Default: 0.0001. */
  stable_inverse_forward_max_abs_error_threshold?: number | null;
  /** Largest sum of the log-determinants of both directions, for an epoch to count as stable. Without this option, the sum may have any size. Takes a number from 0 to 1000000, or none. Default: 0.0001. */
  stable_inverse_forward_logdet_closure_max_abs_error_threshold?: number | null;
  /** Largest fraction of draws on the edge of the prior, for an epoch to count as stable. Without this option, it may have any size. Takes a number from 0 to 1, or none. Default: 0.0. */
  stable_cube_edge_hit_rate_threshold?: number | null;
  /** Folder in which the run is saved while it trains, so that it can be resumed. Default: null. */
  checkpoint_directory?: string | null;
  /** Place of that folder. `directory` is a directory of the system, not in a browser. `opfs` (the private file system) and `indexeddb` exist only in a browser. `auto` takes what there is. Has an effect only if checkpoint_directory is set. Default: "auto". */
  checkpoint_backend?: 'auto' | 'directory' | 'opfs' | 'indexeddb';
  /** Resumes the run in checkpoint_directory, if there is one. The result is the same as without the interruption. Has an effect only if checkpoint_directory is set. Default: false. */
  resume_from_checkpoint?: boolean;
  /** Adds to every epoch the losses that options add, statistics of the splines, errors of the inverse, and the fraction of draws on the edge of the prior. Default: false. */
  verbose_diagnostics?: boolean;
  /** Folder for the numbers of verbose_diagnostics, one line of JSON for each epoch, and for plots (SVG) of the losses, the calibration and one posterior. A browser has no such folder. Default: null. */
  diagnostics_output_directory?: string | null;
  /** Epochs from one set of these plots to the next. Has an effect only if diagnostics_output_directory is set. Takes a whole number from 1 to 1000000. Default: 1. */
  diagnostics_plot_interval?: number;
}
