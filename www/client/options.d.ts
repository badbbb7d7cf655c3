/** The training options, as the table of options in Rust has them. */
export interface TrainingOptions {
  /** Passes over the training split; a whole number from 1 to 1000000. Default: 5. */
  num_epochs?: number;
  /** Simulations per training step; a whole number from 1 to 1048576. Default: 32. */
  batch_size?: number;
  /** Step size of Adam; a number from 0.00000001 to 1. Default: 0.001. */
  learning_rate?: number;
  /** Coordinates that the flow models: physical units, prior cumulative probability, or its logit; all but physical need prior bounds. Default: "unconstrained". */
  parameter_space?: 'physical' | 'cube' | 'unconstrained';
  /** Scaling of observations: by the training set's mean and standard deviation, by each spectrum's own, or not at all. Default: "standardize". */
  preprocessing?: 'standardize' | 'per_sample' | 'none';
  /** Stop after this many epochs without a better validation loss; the best weights are kept in any case; a whole number from 1 to 1000000, or none. Default: null. */
  early_stopping_patience?: number | null;
  /** Seed of initial weights, split, shuffling and sampling; a whole number from 0 to 9007199254740991. Default: 0. */
  seed?: number;
  /** Kind of flow: coupling with splines or with shift and scale, both fast; or every parameter on all before it, with the autoregressive_transform or with small monotone networks: more flexible, slower to sample. Default: "spline". */
  flow_family?: 'spline' | 'affine' | 'autoregressive' | 'neural_autoregressive';
  /** Transforms in the flow; a whole number from 1 to 64. Default: 4. */
  num_coupling_layers?: number;
  /** Width of conditioners and of the fusion perceptron; a whole number from 1 to 4096. Default: 128. */
  hidden_dim?: number;
  /** Hidden layers per conditioner; a whole number from 1 to 16. Default: 2. */
  conditioner_depth?: number;
  /** Bins per spline; a whole number from 2 to 64. Default: 8. */
  num_spline_bins?: number;
  /** Splines act on [-bound, bound] and are the identity outside; a number from 0.1 to 1000. Default: 10.0. */
  spline_bound?: number;
  /** What flow_family autoregressive does to a parameter: shift and scale, or a spline. Default: "spline". */
  autoregressive_transform?: 'affine' | 'spline';
  /** Units of a monotone network (neural_autoregressive); a whole number from 1 to 64. Default: 16. */
  autoregressive_transform_units?: number;
  /** Smallest slope inside of a unit (neural_autoregressive); a number from 0.000001 to 0.9. Default: 0.001. */
  neural_autoregressive_min_slope?: number;
  /** Smallest slope of a monotone network's straight part, and so of all of it (neural_autoregressive); a number from 0.0001 to 0.9. Default: 0.05. */
  neural_autoregressive_min_residual?: number;
  /** Halvings in the search for the inverse of a monotone network (neural_autoregressive); a whole number from 1 to 200. Default: 48. */
  neural_autoregressive_inverse_bisection_steps?: number;
  /** Distribution of base space; logistic is the prior in the cube, student_t has 5 degrees of freedom. Default: "gaussian". */
  base_distribution?: 'gaussian' | 'logistic' | 'student_t';
  /** Let the base distribution move and widen with the observation. Default: false. */
  use_base_affine?: boolean;
  /** Npe: mean of -log q(theta | x) over simulated pairs; elbo: the evidence lower bound of each observation, which needs a likelihood and no theta. Default: "npe". */
  training_objective?: 'npe' | 'elbo';
  /** Draws per observation in the evidence lower bound (elbo); a whole number from 1 to 1024. Default: 1. */
  elbo_num_samples?: number;
  /** The built-in simulator whose likelihood the evidence lower bound takes (elbo). Default: null. */
  likelihood?: 'transit' | 'slcp' | 'gaussian_linear_uniform' | 'gaussian_mixture' | null;
  /** Encoder of the spectrum: strided convolutions for ordered data, a perceptron for data without an order, or attention over patches. Default: "conv1d". */
  spectrum_encoder_type?: 'conv1d' | 'mlp' | 'transformer';
  /** Size of the embedding; a whole number from 1 to 4096. Default: 128. */
  embedding_dim?: number;
  /** Size of the spectrum encoder's output; a whole number from 1 to 4096. Default: 64. */
  spectrum_embedding_dim?: number;
  /** Width of the mlp or transformer encoder; hidden_dim if none; a whole number from 1 to 4096, or none. Default: null. */
  encoder_hidden_dim?: number | null;
  /** Points per patch of the transformer encoder; a whole number from 1 to 4096. Default: 32. */
  encoder_patch_size?: number;
  /** Size of the photometry encoder's output; a whole number from 1 to 4096. Default: 64. */
  photometry_embedding_dim?: number;
  /** Points of a spectrum, to make sure that the data have as many; none takes theirs; a whole number from 1 to 16777216, or none. Default: null. */
  n_wavelengths?: number | null;
  /** Number of parameters, to make sure that the data have as many; none takes theirs; a whole number from 1 to 4096, or none. Default: null. */
  parameter_dim?: number | null;
  /** A validation loss counts as better if it is lower by more than this; a number from 0 to 1000000. Default: 0.0. */
  early_stopping_min_delta?: number;
  /** Largest norm of the gradient over all weights; none for no clipping; a number from 0.000001 to 1000000, or none. Default: 1.0. */
  gradient_clip_norm?: number | null;
  /** Decoupled weight decay (AdamW), per unit of learning rate; a number from 0 to 10. Default: 0.0. */
  weight_decay?: number;
  /** Warm up linearly, then lower the learning rate along a cosine to the minimum. Default: false. */
  use_cosine_schedule?: boolean;
  /** Share of the schedule that warms up; a number from 0 to 1. Default: 0.02. */
  warmup_fraction?: number;
  /** Epochs that warm up; wins over warmup_fraction; a number from 0 to 1000000, or none. Default: null. */
  warmup_epochs?: number | null;
  /** Learning rate at the end of the cosine, and after it; a number from 0 to 1. Default: 1e-06. */
  min_learning_rate?: number;
  /** Length of the schedule; num_epochs if none; a whole number from 1 to 1000000, or none. Default: null. */
  lr_schedule_total_epochs?: number | null;
  /** Flows trained one after another from different seeds and averaged as a mixture; more of them overfit less; a whole number from 1 to 64. Default: 1. */
  ensemble_size?: number;
  /** Share of the simulations held out for validation, split off by seed before anything is fitted; a number from 0 to 0.9. Default: 0.1. */
  validation_fraction?: number;
  /** Noise added to every training batch, in units of the observational uncertainty (of the scaled values where there is none); 0 for none; a number from 0 to 1000. Default: 0.0. */
  embedding_noise_std?: number;
  /** Least uncertainty that this noise takes, as a fraction of the typical one of its block; a number from 0 to 1000. Default: 0.0. */
  embedding_noise_min_scale?: number;
  /** Standard deviation of jitter on the training parameters, in logit space; none on validation; a number from 0 to 10. Default: 0.0. */
  parameter_noise_floor?: number;
  /** Weight of a loss that asks the embedding for the spectrum's own log scale; a number from 0 to 1000000. Default: 0.0. */
  aux_scale_loss_weight?: number;
  /** Weight of a loss that asks the embedding for the parameters, in flow coordinates; a number from 0 to 1000000. Default: 0.0. */
  aux_parameter_loss_weight?: number;
  /** Weight of a penalty on bins narrower or lower than spline_min_bin_ratio_target; a number from 0 to 1000000, or none. Default: null. */
  spline_small_bin_regularization_weight?: number | null;
  /** Least bin, as a share of a uniform bin; a number from 0 to 1. Default: 0.2. */
  spline_min_bin_ratio_target?: number;
  /** Weight of a penalty on widths and heights whose normalized entropy is below spline_entropy_floor; a number from 0 to 1000000. Default: 0.0. */
  spline_entropy_regularization_weight?: number;
  /** Least normalized entropy of widths and heights; a number from 0 to 1. Default: 0.6. */
  spline_entropy_floor?: number;
  /** Weight of a penalty on derivatives at knots outside spline_min_derivative_target and spline_max_derivative_target; a number from 0 to 1000000. Default: 0.0. */
  spline_derivative_regularization_weight?: number;
  /** Least derivative at a knot; a number from 0.001 to 1000. Default: 0.25. */
  spline_min_derivative_target?: number;
  /** Largest derivative at a knot; a number from 0.001 to 1000. Default: 5.0. */
  spline_max_derivative_target?: number;
  /** An epoch is stable if draws that go to data and back to base space are off by no more than this; the best stable epoch is preferred; a number from 0 to 1000000, or none. Default: 0.0001. */
  stable_inverse_forward_max_abs_error_threshold?: number | null;
  /** And if the log-determinants of both ways add up to no more than this; a number from 0 to 1000000, or none. Default: 0.0001. */
  stable_inverse_forward_logdet_closure_max_abs_error_threshold?: number | null;
  /** And if no larger share of the draws lies on the edge of the prior; a number from 0 to 1, or none. Default: 0.0. */
  stable_cube_edge_hit_rate_threshold?: number | null;
  /** Folder in which the run is kept as it goes, so that one that was cut off can go on. Default: null. */
  checkpoint_directory?: string | null;
  /** Where that folder is: natively a directory; in a browser the private file system (opfs) or IndexedDB, auto takes what is there. Default: "auto". */
  checkpoint_backend?: 'auto' | 'directory' | 'opfs' | 'indexeddb';
  /** Go on with the run in checkpoint_directory, if there is one; it ends as if it had never stopped. Default: false. */
  resume_from_checkpoint?: boolean;
  /** Any JSON, kept with the model. Default: null. */
  task_metadata?: unknown;
  /** With every epoch, losses that options add, statistics of the splines, errors of the inverse, and draws on the edge of the prior. Default: false. */
  verbose_diagnostics?: boolean;
  /** Folder for the same numbers, a line of JSON for every epoch, and for plots of losses, calibration and one posterior (SVG); not in a browser. Default: null. */
  diagnostics_output_directory?: string | null;
  /** Epochs from one set of these plots to the next; a whole number from 1 to 1000000. Default: 1. */
  diagnostics_plot_interval?: number;
}
